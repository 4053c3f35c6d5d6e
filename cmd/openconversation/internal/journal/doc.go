// Package journal keeps what chats convert to in a file: a map from chat id to result, of one app. It is all that a run
// remembers. Rows, columns and formats are not in it: a result belongs to an id, whatever file the id stands in.
//
//	{"openconversation":"journal","version":1,"mark":"4f…","app":"…","crc":"…"}
//	{"pid":4711,"crc":"…"}                                 a run begins
//	{"id":"chat…","to":"cid…","crc":"…"}                   converted
//	{"id":"chat…","to":"cid…","name":"…","crc":"…"}        described later: the last line of an id holds
//	{"id":"chat…","code":"…","error":"…","crc":"…"}        failed
//	{"again":"failed","crc":"…"}                           or "all": a round begins
//	{"out":"sha256 …","complete":true,"crc":"…"}           an output was written
//
// A line is appended by one write as soon as its result is there: a killed process loses nothing that it was told. The
// file is longer than its lines by blank space for the calls in flight, so that a full disk loses nothing either. A line
// that cannot be read, wherever it is, is skipped: its chat is called again.
//
// The index in memory is 8 bytes an id: where its line is, and a part of its hash. Each hit compares the id in the line.
package journal
