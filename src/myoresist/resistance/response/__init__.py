"""Was there a response: visits, core set measures, improvement scores, trends."""
