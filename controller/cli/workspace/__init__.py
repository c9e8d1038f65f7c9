"""The tree that a verb works on: paths, selection and loading."""
