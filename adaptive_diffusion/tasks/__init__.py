"""Tasks: vocabulary, queries, verifier and difficulty (`Task`), and the problems to train and evaluate on
(`TaskData`)."""
