"""The offline model: answers from a template's examples, with neither key nor network."""
