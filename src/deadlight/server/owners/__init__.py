"""Who built, who deployed and who is responsible: attributions by documented precedence, and the owners map."""
