package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strconv"

	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

// column is the input's column of chat ids. The other, row, numbers the rows, so that a lost one shows.
const column = "chat_id"

var (
	inputHeader  = []string{"row", column}
	outputHeader = append(slices.Clip(inputHeader), "open_conversation_id", "error_code", "error")
)

// writeRows writes an input file whose rows are the chats of these numbers.
func writeRows(path string, chats iter.Seq[int]) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	w := csv.NewWriter(bufio.NewWriterSize(file, 1<<16))
	if err := w.Write(inputHeader); err != nil {
		return err
	}
	row := 0
	for chat := range chats {
		row++
		if err := w.Write([]string{strconv.Itoa(row), chatID(chat)}); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// goodRows counts the rows of an output file until the first that is not what its chat converts to.
func goodRows(path string, chats iter.Seq[int]) (n int, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }() // it was only read
	r := csv.NewReader(bufio.NewReaderSize(file, 1<<16))
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return 0, fmt.Errorf("the output's header: %w", err)
	}
	if !slices.Equal(header, outputHeader) {
		return 0, fmt.Errorf("the output's header is %q", header)
	}
	for chat := range chats {
		row, err := r.Read()
		id := chatID(chat)
		if err != nil || !slices.Equal(row, []string{strconv.Itoa(n + 1), id, dingtalktest.OpenConversationIDOf(id), "", ""}) {
			return n, nil
		}
		n++
	}
	if extra, err := r.Read(); !errors.Is(err, io.EOF) {
		return n, fmt.Errorf("the output has more rows than the input: %q", extra)
	}
	return n, nil
}

// complete is the figure of an output file that must hold every row.
func complete(path string, rows int, chats iter.Seq[int]) (figure, error) {
	n, err := goodRows(path, chats)
	return figure{name: "rows, each once and in order", wanted: fmt.Sprint(rows), measured: fmt.Sprint(n), ok: n == rows}, err
}
