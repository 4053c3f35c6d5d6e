package rows_test

import (
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/lang"
	"github.com/dingtalk-openapi/openconversation-go/cmd/openconversation/internal/rows"
)

func ExampleNewReader() {
	file := strings.NewReader("chat_id;name\nchat1;Sales\nchat2;Support\n")
	options, err := rows.Detect(file, "chats.csv", rows.Options{}) // reads the file through: its format and encoding
	if err != nil {
		log.Fatal(err)
	}
	in, err := rows.NewReader(file, options)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(in.Found())
	_, _ = os.Stdout.Write(in.Header()) // may be empty
	for row, err := in.Read(); err == nil; row, err = in.Read() {
		result := rows.Result{OpenConversationID: "cid" + row.ChatID}
		if !row.Problem.Empty() {
			result = rows.Result{Code: "invalid", Error: row.Problem.Say(lang.English)}
		}
		_, _ = os.Stdout.Write(in.Finish(row.Start, result)) // one whole record; at io.EOF the file is complete
	}
	// Output:
	// CSV, separated by semicolons, UTF-8
	// chat_id;name;open_conversation_id;error_code;error
	// chat1;Sales;cidchat1;;
	// chat2;Support;cidchat2;;
}
