package main

// settings are what the command line says.
type settings struct {
	root     string // of the repository
	contract string
	cache    string // downloads and builds
	only     string // a case
	verbose  bool
	rebuild  bool

	// What is made for a run.
	program string    // the command
	codes   string    // the file of the error codes
	plain   *emulator // of the checks; each language has its own
}
