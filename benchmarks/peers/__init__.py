"""What Capotasto is compared with: the same work done with Hugging Face PEFT, plainly and as well as we can."""
