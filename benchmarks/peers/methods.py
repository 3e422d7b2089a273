"""PEFT's configuration of each method, for the sizes that both sides of a comparison use."""

from pathlib import Path

from peft import LoraConfig, PeftConfig, PrefixTuningConfig, PromptTuningConfig, PromptTuningInit, TaskType

METHODS = ("prompt", "prefix", "lora")
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
RANK, ALPHA = 8, 16


def configured(method: str, base: Path, tokens: int, text: str) -> PeftConfig:
    """A soft prompt from a text, a prefix as PEFT starts it, or LoRA on all linear layers of attention."""
    task = TaskType.CAUSAL_LM
    if method == "lora":
        return LoraConfig(task_type=task, r=RANK, lora_alpha=ALPHA, target_modules=list(ATTENTION))
    if method == "prefix":
        return PrefixTuningConfig(task_type=task, num_virtual_tokens=tokens)
    return PromptTuningConfig(
        task_type=task,
        num_virtual_tokens=tokens,
        prompt_tuning_init=PromptTuningInit.TEXT,
        prompt_tuning_init_text=text,
        tokenizer_name_or_path=str(base),
    )
