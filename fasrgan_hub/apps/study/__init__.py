"""The paper's user study (Section IV-C, Table II) as a tool: what is shown, in which order, and the ratings."""
