"""The registries the user added: how to reach them and whether their images are trusted."""
