"""An assessment in words: built once as a report, laid out as terminal, HTML, PDF, Markdown and notebook."""
