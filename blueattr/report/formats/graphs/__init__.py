"""A graph as a file: GEXF, GraphML, or tables of edges and nodes."""
