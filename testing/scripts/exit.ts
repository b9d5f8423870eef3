/** Ends at once: its pid is one that was used and is not any more. */
process.exitCode = 0;
