"""The figures people judge their posture by: funnel and status."""
