"""Contextual analysis: does the image's own code reach what a vulnerability needs?

Rules are data (`rule_files/*.toml`). The facts they are held against come from the syntax trees of first-party source
files, gathered while layers stream by; the judgement is a pure function over both. Nothing of an image is executed.
"""
