"""What is learned, and where it enters the frozen base: one file a method."""

from capotasto.registry import Table

METHODS = Table("method", {"prompt": "capotasto.methods.prompt:PromptAdapter"})
