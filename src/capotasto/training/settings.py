"""How an adapter is trained: the settings, free of torch so that help texts come at once."""

from pydantic import Field

from capotasto.config import Settings


class TrainSettings(Settings):
    """How one adapter is trained."""

    epochs: int = Field(6, ge=1, description="passes over the training rows")
    lr: float | None = Field(None, gt=0, le=1e30, description="peak learning rate; left out: the method's own rule")
    max_seconds: float | None = Field(
        None, gt=0, description="stop after so many seconds of training, with the learning rate falling by the clock"
    )
    batch_tokens: int = Field(512, ge=1, description="real tokens in one optimiser step")
    patience: int = Field(3, ge=1, description="stop after so many looks at the held-out rows without a better loss")
    looks: int = Field(1, ge=1, description="looks at the held-out rows in each epoch")
    seed: int = Field(0, ge=0, description="seed of the order of rows and of random starts")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of each target that is spread over all choices")
    noise: float = Field(0.0, ge=0, description="noise on embeddings in training, divided by √(tokens · width); try 5")
    prompt_weight: float = Field(0.0, ge=0, le=1, description="loss weight of the prompt's tokens; 0: answers only")
