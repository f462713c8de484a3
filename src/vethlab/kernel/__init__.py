"""All system calls: reads State, executes changes, knows neither plan nor explain."""
