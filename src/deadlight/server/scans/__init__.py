"""What is in running images: pulled layer by layer, each new layer read once, the result squashed and stored."""
