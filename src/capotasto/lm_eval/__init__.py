"""lm-eval's tasks on a base and an adapter: the model `capotasto` of EleutherAI's evaluation harness.

Source: https://github.com/EleutherAI/lm-evaluation-harness, docs/model_guide.md.
"""
