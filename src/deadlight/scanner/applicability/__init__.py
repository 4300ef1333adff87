"""Contextual analysis: does the image's own code reach what a vulnerability needs?

For Python, rules are data (`rule_files/*.toml`), and the facts they are held against come from the syntax trees of
first-party source files. For Go, the vulnerability database names functions, and programs name those that were linked
into them. Facts are gathered while layers stream by; the judgement is a pure function. Nothing of an image is executed.
"""
