"""Joint tables of up to three columns, by whichever way of counting is quickest."""
