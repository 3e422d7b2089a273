import pytest

from capotasto.session import Base
from tests.making import read_base
from tests.tiny import save_base


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory):
    """Bases from folders, by architecture, each made once."""
    made: dict[str, Base] = {}

    def get(architecture: str = "llama") -> Base:
        if architecture not in made:
            made[architecture] = read_base(save_base(tmp_path_factory.mktemp(architecture), architecture))
        return made[architecture]

    return get
