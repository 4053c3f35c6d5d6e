// Package output manages the output file of a run. A run's truth is its journal, beside the output; the output is
// assembled from input and journal at the end and at every orderly stop, and takes its name when it is whole. After a
// kill the next run does it. Nothing of the user's is lost:
//
//	FILE               replaced only if it is as a run wrote it: its digest is in the journal
//	FILE.journal       what the chats of this output convert to; it stays
//	FILE.MARK.new      an output while it is assembled; the next run removes it
//	FILE.MARK.before   an output that someone has edited, before it was replaced
//
// MARK is the journal's. A file without a journal is refused.
package output
