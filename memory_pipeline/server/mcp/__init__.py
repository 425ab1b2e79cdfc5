"""The memory for agents, by the Model Context Protocol: six tools, three kinds of resources and a prompt."""
