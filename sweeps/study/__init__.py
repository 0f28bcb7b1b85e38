"""Study logic: what runs next, what is pruned, retried, confirmed, and when a study is done. Knows executors by their protocol alone."""
