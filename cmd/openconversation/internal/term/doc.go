// Package term is what a command has of the outside world: its three streams, its environment, the signals that end it,
// and the terminal that it may be at. It knows how text must look there, and nothing of what the text says.
package term
