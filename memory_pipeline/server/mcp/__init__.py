"""The memory for agents, by the Model Context Protocol: six tools, four kinds of resources and a prompt."""
