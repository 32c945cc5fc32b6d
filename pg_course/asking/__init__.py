"""How an answer is asked for, judged and kept."""
