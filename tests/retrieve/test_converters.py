"""Files of every format as text, and what cannot be read in one line."""

import json
from pathlib import Path

import pytest

from capotasto.errors import DataError, SettingError
from capotasto.retrieve import packages
from capotasto.retrieve.chunks import passages
from capotasto.retrieve.records import Document, Fault
from capotasto.retrieve.sources import Source, listed, sources
from tests.retrieve.making import PAGE, PETS, TRAVEL, write_docs, write_docx, write_pdf


def found_in(path: Path, text_column: str | None = None) -> list[Document | Fault]:
    """What a file gives."""
    given = sources(listed(path), path, text_column)
    return [one if isinstance(one, Fault) else one.read() for one in given]


def outline(document: Document | Fault) -> list[tuple[str, str]]:
    assert isinstance(document, Document), document
    return [(one.heading, one.text) for one in passages(document, 5000, 0)]


def test_text_and_markdown_are_their_own_text(tmp_path: Path) -> None:
    for name, text in (("pets.txt", PETS), ("travel.md", TRAVEL)):
        (tmp_path / name).write_text("\ufeff" + text, encoding="utf-8")
        [document] = found_in(tmp_path / name)
        assert (document.name, document.text) == (name, text)


def test_html_is_read_as_people_see_it(tmp_path: Path) -> None:
    (tmp_path / "pay.html").write_text(PAGE, encoding="utf-8")
    [document] = found_in(tmp_path / "pay.html")
    assert outline(document) == [
        ("Pay & leave > Pay", "Salaries come on the 25th.\n\n- gross\n- net"),
        ("Pay & leave > Pay > Leave", "Thirty days a year.\n\na  b\n c\n\none two"),
    ]


@pytest.mark.parametrize("page", ["<h1>open", "<script>never", "<p>a<p>b</b></p></p>", "<", "&#0;", "a" * 100_000])
def test_broken_html_is_read_as_far_as_it_goes(tmp_path: Path, page: str) -> None:
    (tmp_path / "a.html").write_text(page)
    [document] = found_in(tmp_path / "a.html")
    assert isinstance(document, Document)
    assert "never" not in document.text


def test_pages_of_a_pdf_are_its_headings(tmp_path: Path) -> None:
    [document] = found_in(write_pdf(tmp_path / "a.pdf", "First words", "", "Third words"))
    assert outline(document) == [("page 1", "First words"), ("page 3", "Third words")]


def test_headings_of_a_word_file_are_kept(tmp_path: Path) -> None:
    parts = [("Heading1", "Rules"), ("Normal", "Be kind."), ("Heading2", "More"), ("Normal", "Be on time.")]
    [document] = found_in(write_docx(tmp_path / "a.docx", *parts))
    assert outline(document) == [("Rules", "Be kind."), ("Rules > More", "Be on time.")]


def test_rows_are_documents_called_by_their_place(tmp_path: Path) -> None:
    rows = [{"title": "Keys", "text": "# Lost\nAsk."}, {"title": "", "text": "Plain."}, {"title": "None", "text": None}]
    (tmp_path / "faq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    first, second, third, fault = found_in(tmp_path / "faq.jsonl")
    assert (first.name, outline(first)) == ("faq.jsonl:1", [("Keys > Lost", "Ask.")])
    assert (second.name, outline(second)) == ("faq.jsonl:2", [("", "Plain.")])
    assert outline(third) == []
    assert isinstance(fault, Fault)
    assert fault.reason.startswith("faq.jsonl:4: not valid JSON")


def test_the_column_of_texts_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text("Question,Reply,text\nq,an answer,t\n")
    assert outline(found_in(tmp_path / "faq.csv", "reply")[0]) == [("", "an answer")]
    assert outline(found_in(tmp_path / "faq.csv")[0]) == [("", "t")]


def test_a_row_has_a_hash_of_its_content_and_a_file_of_its_bytes(tmp_path: Path) -> None:
    folder = write_docs(tmp_path / "docs")

    def hashes() -> dict[str, str]:
        listing = listed(folder)
        found = [one for path in listing.files for one in sources(listing, path, None)]
        return {one.name: one.hash for one in found if isinstance(one, Source)}

    before = hashes()
    assert list(before) == ["deep/deeper/pay.html", "deep/pets.txt", "faq.csv:2", "faq.csv:3", "travel.md"]
    (folder / "faq.csv").write_text((folder / "faq.csv").read_text().replace("Mail,", "Post,"))
    (folder / "travel.md").write_text(TRAVEL + "x")
    assert {name for name, hash in hashes().items() if hash != before[name]} == {"faq.csv:3", "travel.md"}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.md", b"\x7fELF\0\0\0", "a.md is no text, it holds zero bytes; give it the ending of what it is"),
        ("a.md", b"caf\xe9", "a.md:1 is not UTF-8 (byte 3); convert it: iconv"),
        ("a.txt", "caf\xe9".encode("utf-16"), "a.txt:1 is UTF-16, not UTF-8"),
        ("a.md", b"", "is empty"),
        ("a.pdf", b"%PDF-1.4\nbroken", "a.pdf is no readable PDF"),
        ("a.docx", b"PK\3\4broken", "a.docx is no readable Word file"),
        ("a.csv", b"one,two\n1,2\n", "a.csv:2 has no column of texts, but one, two; name it with --text-column"),
        ("a.json", b"{", "not valid JSON"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    reason = fault_of(tmp_path / name)
    assert words in reason
    assert "\n" not in reason


def fault_of(path: Path) -> str:
    """Why a file is left out."""
    try:
        [found] = found_in(path)
    except DataError as error:
        return str(error)
    assert isinstance(found, Fault), found
    return found.reason


def test_files_without_text_are_said_to_be_so(tmp_path: Path) -> None:
    scan = fault_of(write_pdf(tmp_path / "scan.pdf", "", ""))
    assert scan.startswith("scan.pdf has no text on its 2 pages, as a scan has none; let a program")
    assert fault_of(write_docx(tmp_path / "a.docx")).startswith("a.docx has no text, and pictures are not read")


def test_links_and_hidden_files_are_not_followed(tmp_path: Path) -> None:
    folder = write_docs(tmp_path / "docs")
    (tmp_path / "secret.md").write_text("secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.md").write_text("secret")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "away").symlink_to(tmp_path / "elsewhere")
    (folder / "round").symlink_to(folder)
    (folder / "nowhere.md").symlink_to(tmp_path / "none.md")
    listing = listed(folder)
    assert [listing.name(path) for path in listing.files] == [
        "deep/deeper/pay.html",
        "deep/pets.txt",
        "faq.csv",
        "travel.md",
    ]
    assert sorted(fault.place for fault in listing.faults) == ["away", "link.md", "nowhere.md", "round"]
    assert all("links are not followed; copy what it leads to" in fault.reason for fault in listing.faults)
    assert listing.others == {".png": 1}


def test_a_name_that_is_no_text_is_left_out(tmp_path: Path) -> None:
    folder = write_docs(tmp_path / "docs")
    try:
        (folder / "caf\udce9.md").write_text("x")
    except OSError:
        pytest.skip("this file system keeps no such names")
    [fault] = listed(folder).faults
    assert fault.reason == r"'caf\udce9.md' is a name that is no UTF-8; rename the file"


def test_half_a_character_becomes_a_question_mark(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(r'{"title": "T\ud800", "text": "one \ud800 two"}' + "\n")
    assert outline(found_in(tmp_path / "a.jsonl")[0]) == [("T?", "one ? two")]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (None, "no folder or file at"),
        ([], "holds no file that can be indexed, but nothing; known endings: md,"),
        (["a.png", "b.png", "Makefile"], "but 2 × .png, 1 × no ending"),
    ],
)
def test_a_folder_of_nothing_is_one_line(tmp_path: Path, names: list[str] | None, words: str) -> None:
    folder = tmp_path / "docs"
    if names is not None:
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes(b"x")
    with pytest.raises(DataError) as caught:
        listed(folder)
    assert words in str(caught.value)


def test_a_package_that_is_missing_is_named() -> None:
    with pytest.raises(SettingError, match=r"a.pdf needs the package no_such: pip install 'capotasto\[retrieve\]'"):
        packages.imported("no_such", "a.pdf")
