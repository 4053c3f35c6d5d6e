package dingtalk_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// group is a row of the app's own table.
type group struct {
	Name, ChatID string
}

// The rows of a database: they are read while chats are converted, and closed once they are read, however the loop ends.
func ExampleConvertEach_database() {
	client, db, stop := database()
	defer stop()
	ctx := context.Background()

	rows, err := db.QueryContext(ctx, "SELECT name, chat_id FROM groups WHERE open_conversation_id IS NULL")
	if err != nil {
		panic(err)
	}
	groups := func(yield func(group) bool) {
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var g group
			if err := rows.Scan(&g.Name, &g.ChatID); err != nil || !yield(g) {
				return
			}
		}
	}
	for g, err := range dingtalk.ConvertEach(ctx, client, groups, func(g group) string { return g.ChatID }) {
		fmt.Println(g.Row.Name, g.OpenConversationID, err)
	}
	fmt.Println("rows:", rows.Err()) // the sequence has returned
	// Output:
	// Project cidl1B8RVUFmkO50OC9uEbySQ== <nil>
	// rows: the connection to the database is lost
}

// database opens a table whose second row cannot be read, and a client of an emulator.
func database() (client *dingtalk.Client, db *sql.DB, stop func()) {
	server := dingtalktest.NewServer(nil)
	client, err := dingtalk.NewClient(dingtalk.StaticToken(server.IssueToken()), dingtalk.WithBaseURL(server.URL))
	if err != nil {
		panic(err)
	}
	db = sql.OpenDB(table{})
	return client, db, func() { _ = db.Close(); server.Close() }
}

type table struct{ n *int }

func (t table) Connect(context.Context) (driver.Conn, error) { return table{new(int)}, nil }
func (t table) Driver() driver.Driver                        { return nil }
func (t table) Prepare(string) (driver.Stmt, error)          { return t, nil }
func (t table) Begin() (driver.Tx, error)                    { return nil, errors.ErrUnsupported }
func (t table) Close() error                                 { return nil }
func (t table) NumInput() int                                { return 0 }
func (t table) Exec([]driver.Value) (driver.Result, error)   { return nil, errors.ErrUnsupported }
func (t table) Query([]driver.Value) (driver.Rows, error)    { return t, nil }
func (t table) Columns() []string                            { return []string{"name", "chat_id"} }
func (t table) Next(row []driver.Value) error {
	if *t.n++; *t.n > 1 {
		return errors.New("the connection to the database is lost")
	}
	row[0], row[1] = "Project", dingtalktest.ChatID
	return nil
}
