"""Who may do what: people with sessions and API tokens, agents with keys."""
