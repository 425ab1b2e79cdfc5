"""What every door (command line, notebook, agent, web) asks the memory: one module a question.

The doors hold no rules of their own; this layer joins the store with the analysis.
"""
