import subprocess
import sys


def test_listing_the_aliases_needs_no_torch() -> None:
    code = "import sys; from capotasto.base import aliases; aliases(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
