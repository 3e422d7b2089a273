"""Documents and files for tests of retrieval, made by hand."""

import io
import zipfile
from pathlib import Path

TRAVEL = """# Travel

Book every trip a week ahead.

## Trains

Trains are booked in the blue tool. A seat is free of charge.

## Planes

Planes are for distances beyond 600 kilometres. [The form](https://example.org/a/long/address) is short.

```
# no heading
```
"""
PETS = "Dogs may come on Fridays.\n\nCats stay at home, as cats do.\n"
PAGE = """<html><head><title>Pay &amp; leave</title><style>p {color: red}</style></head><body>
<script>alert("never")</script><h1>Pay</h1><p>Salaries come on the <b>25th</b>.</p>
<ul><li>gross</li><li>net</li></ul><h2>Leave</h2><p>Thirty days
 a year.</p><pre>a  b
 c</pre><table><tr><td>one</td><td>two</td></tr></table></body></html>"""
FAQ = 'title,text\nKeys,"Lost keys are reported at the desk."\nMail,"Mail comes at noon, every day."\n'


def write_docs(folder: Path) -> Path:
    """A folder of four documents in four formats, and what is passed over."""
    (folder / "deep" / "deeper").mkdir(parents=True)
    (folder / "travel.md").write_text(TRAVEL, encoding="utf-8")
    (folder / "deep" / "pets.txt").write_text(PETS, encoding="utf-8")
    (folder / "deep" / "deeper" / "pay.html").write_text(PAGE, encoding="utf-8")
    (folder / "faq.csv").write_text(FAQ, encoding="utf-8")
    (folder / ".hidden.md").write_text("never", encoding="utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    return folder


def write_pdf(path: Path, *pages: str) -> Path:
    """A PDF of one line a page, as small as may be (ISO 32000-1, section 7.5); "" makes a page without text."""
    contents = [f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET" if text else "" for text in pages]
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for i, content in enumerate(contents):
        resources = "<< /Font << /F1 3 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R /Resources {resources} /Contents {5 + 2 * i} 0 R >>")
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{body}\nendobj\n".encode())
    start = out.tell()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode())
    out.write(f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode())
    path.write_bytes(out.getvalue())
    return path


def write_docx(path: Path, *paragraphs: tuple[str, str]) -> Path:
    """A Word file of (style, text); the style `Heading1` is Word's own (ECMA-376 part 1, section 17.3.1.27)."""
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'
        for style, text in paragraphs
    )
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="Heading{level}"><w:name w:val="heading {level}"/></w:style>'
        for level in (1, 2)
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{types}"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
            f'relationships+xml"/><Override PartName="/word/document.xml" ContentType="{word}.document.main+xml"/>'
            f'<Override PartName="/word/styles.xml" ContentType="{word}.styles+xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{office}/officeDocument"'
            ' Target="word/document.xml"/></Relationships>',
        )
        archive.writestr(
            "word/_rels/document.xml.rels",
            f'<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{office}/styles" Target="styles.xml"/>'
            "</Relationships>",
        )
        archive.writestr("word/styles.xml", f"<w:styles {space}>{styles}</w:styles>")
        archive.writestr("word/document.xml", f"<w:document {space}><w:body>{body}</w:body></w:document>")
    return path
