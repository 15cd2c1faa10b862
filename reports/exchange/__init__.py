"""Result files of other tools: JUnit XML, the reference's files, Inspect logs."""
