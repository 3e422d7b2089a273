"""What training asks of a row beyond its plain loss; evaluation asks nothing of the kind."""

from dataclasses import dataclass

from capotasto.types import Encoded


@dataclass(frozen=True, slots=True)
class Lesson:
    """How a row is learnt in one optimiser step.

    prompt:    weight of each token of the prompt, where one of the answer has 1
    smoothing: share of a target that lies evenly on all choices
    noise:     the most that is added to each number of a token's embedding, times √(the embedding's width)
    seed:      of that noise
    """

    prompt: float = 0.0
    smoothing: float = 0.0
    noise: float = 0.0
    seed: int = 0

    def weights(self, row: Encoded) -> list[float]:
        """The weight of each of a text's tokens. The first one is predicted from nothing and never learnt."""
        return [float(learnt) or (self.prompt if token else 0.0) for token, learnt in enumerate(row.learn)]

    def total(self, row: Encoded) -> float:
        """What the row's loss is divided by: the sum of its weights."""
        whole = row.learnt if row.answers_by_head or not self.prompt else sum(self.weights(row))
        return whole * row.weight


PLAIN = Lesson()
