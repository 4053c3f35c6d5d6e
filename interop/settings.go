package main

// settings are what the command line says.
type settings struct {
	root     string // of the repository
	contract string
	cache    string // downloads and builds
	only     string // a case
	verbose  bool
	rebuild  bool

	// What is started for a run.
	codes         string // the file of the error codes
	plain, secure *emulator
}
