"""The column names understood without `--map`, compared in lower case with spaces and dashes as underscores."""

MESSAGES = ("messages",)
CONVERSATIONS = ("conversations", "conversation")
INSTRUCTION = ("instruction",)
CONTEXT = ("input", "context")
SYSTEM = ("system",)
TEXT = ("text", "sentence", "utterance", "content", "message", "body")
PROMPT = ("prompt", "question", "input", "query", "source", "mr", "meaning_representation")
COMPLETION = ("completion", "answer", "response", "output", "reply", "ref", "human_reference")
LABEL = ("label", "category", "class", "intent", "target", "topic")
SCORE = ("score", "scores", "rating", "stars", "similarity")
LABELS = ("labels", "categories", "classes", "intents", "topics", "tags")

KNOWN = frozenset(
    (*MESSAGES, *CONVERSATIONS, *INSTRUCTION, *CONTEXT, *SYSTEM, *TEXT, *PROMPT, *COMPLETION, *LABEL, *SCORE, *LABELS),
)


def normalise(column: str) -> str:
    """The form in which column names are compared."""
    return column.strip().lower().replace(" ", "_").replace("-", "_")
