"""A strict reading of a page: its elements in order, and the text a reader sees."""

from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "link", "br"}


class Page(HTMLParser):
    def __init__(self, source):
        super().__init__()
        self.open, self.elements, self.words = [], [], []
        self.feed(source)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> without a start"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).replace("\u00a0", " ").split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def check_headings(self):
        """One is the first and highest; from one to the next it goes down by one step at most."""
        levels = [int(tag[1]) for tag, _ in self.elements if tag in {"h1", "h2", "h3", "h4"}]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))

    def pictures(self):
        return [attributes["aria-label"] for attributes in self.all("svg") if attributes.get("role") == "img"]


def read(path):
    return Page(path.read_text(encoding="utf-8"))
