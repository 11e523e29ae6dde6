"""What a command or a program asks for, before anything is loaded: a model, a corpus, or audits of both."""
