// Package term is a command's environment: its three streams, environment variables, signals and terminal. It formats
// text for terminals, and knows nothing of its meaning.
package term
