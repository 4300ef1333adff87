"""Exposure windows: from "a risk is live" to "it is closed", a row for each risk of an image on a workload."""
