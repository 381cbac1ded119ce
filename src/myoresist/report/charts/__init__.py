"""Pictures of an assessment as SVG, the same for the browser and for paper."""
