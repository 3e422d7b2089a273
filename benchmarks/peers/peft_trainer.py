"""The Hugging Face cookbook recipe as its readers run it: PEFT prompt tuning with transformers' Trainer, in fp32.

Source: https://huggingface.co/learn/cookbook/prompt_tuning_peft. Four random virtual tokens, the first 50 rows, random
batches of 8, no sorting; other methods take the prompt's place. Checkpoints, bars and trackers are off, in the recipe's
favour; all else is as written there.
"""

import tempfile
from pathlib import Path

import torch
from peft import PeftModel, PromptTuningConfig, PromptTuningInit, get_peft_model
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerBase, Trainer, TrainingArguments

from benchmarks.common import arguments, load, peaks, report, timed, training
from benchmarks.peers.methods import METHODS, configured
from benchmarks.texts import BATCH, held_out_loss, training_rows


def trainer(
    model: PeftModel, tokenizer: PreTrainedTokenizerBase, rows: list[list[int]], folder: str, lr: float, epochs: int
) -> Trainer:
    """The recipe's Trainer over rows of token ids."""
    return Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=BATCH,
            learning_rate=lr,
            num_train_epochs=epochs,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=model.device.type == "cpu",
        ),
        train_dataset=[{"input_ids": ids, "attention_mask": [1] * len(ids)} for ids in rows],
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
    )


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--tokens", type=int, default=4, help="virtual tokens")
    parser.add_argument("--method", choices=METHODS, default="prompt")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--out", type=Path, help="folder to save the adapter in")
    options = parser.parse_args()
    options.dtype = "fp32"  # the recipe's

    model, tokenizer, device = load(options)
    rows = training_rows(tokenizer)
    config = configured(options.method, options.base, options.tokens, "")
    if isinstance(config, PromptTuningConfig):
        config.prompt_tuning_init = PromptTuningInit.RANDOM
    learner = get_peft_model(model, config)
    with tempfile.TemporaryDirectory() as folder:
        recipe = trainer(learner, tokenizer, rows, folder, options.lr, options.epochs)
        result, seconds = timed(recipe.train, device)
    memory = peaks(device)
    if options.out:
        learner.save_pretrained(options.out)
    learner.eval()
    report(
        device,
        torch.float32,
        **training(seconds, result.global_step, options.epochs * sum(map(len, rows))),
        held_out_loss=held_out_loss(learner, tokenizer, device),
        **memory,
    )


if __name__ == "__main__":
    main()
