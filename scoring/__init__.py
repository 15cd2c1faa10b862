"""Pure scoring of QCalEval answers: text and reference in, score out. No I/O, no pytest, no pandas."""
