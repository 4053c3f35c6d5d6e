package official

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Pair holds an operation's two sides, and the recorder that both call.
type Pair struct {
	Recorder *Recorder
	Official *Official
	Ours     Side
	Contract *Contract // ours
}

// exchange is what a side sent, and what it read of the answer.
type exchange struct {
	sent Recorded
	read any
	err  error
	lost error // not one request arrived
}

func (p Pair) send(side Side, operation string, values Values, answer []byte) exchange {
	p.Recorder.Answer(answer)
	read, err := side.Send(operation, values)
	sent, lost := p.Recorder.Take()
	return exchange{sent, read, err, lost}
}

// Agree makes an operation's call with both sides, and lists in what they differ. found has what differs otherwise: what was not
// sent or not read at all.
func (p Pair) Agree(id string, fill Fill) (differences []Difference, found []string) {
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	op := p.Contract.Operation(id)
	values, err := p.Official.values(id, fill)
	if err != nil {
		return nil, []string{err.Error()}
	}
	value, err := p.Official.answer(id, fill)
	if err != nil {
		return nil, []string{err.Error()}
	}
	answer := encode(value, fill)
	theirs, ours := p.send(p.Official, id, values, answer), p.send(p.Ours, id, values, answer)
	if theirs.lost != nil || ours.lost != nil {
		return nil, []string{fmt.Sprintf("the official SDK: %v, %v; ours: %v, %v", theirs.lost, theirs.err, ours.lost, ours.err)}
	}
	differences, err = p.Contract.Compare(id, theirs.sent, ours.sent)
	if err != nil {
		say("%v", err)
	}
	if fill == Escaping && strings.Count(ours.sent.Path, "/") != strings.Count(op.Template, "/") {
		say("%s has other segments than %s", ours.sent.Path, op.Template)
	}
	switch {
	case ours.err != nil:
		say("ours: %v", ours.err)
	case theirs.err != nil && len(answer) == 0:
		differences = append(differences, Difference{KindEmptyAnswer, "", "fails", "returns no error"})
	case theirs.err != nil:
		say("the official SDK: %v", theirs.err)
	default:
		differences = append(differences, p.Contract.CompareAnswers(id, theirs.read, ours.read)...)
		for _, d := range p.Contract.CompareAnswers(id, theirs.read, value) {
			if !byDesign(d.Kind) { // or something that neither side reads would agree
				say("%s: the official SDK %s of the answer, which %s", d.Where, d.Official, d.Wrapper)
			}
		}
	}
	p.complete(op, values, theirs.sent, say)
	return differences, found
}

// complete checks that the official SDK sent all the values, so that nothing agrees only because neither side sent it.
func (p Pair) complete(op *Operation, values Values, sent Recorded, say func(string, ...any)) {
	if len(sent.Body) > 0 && values.Body != nil {
		body, err := parse(sent.Body)
		if err != nil {
			say("%v", err)
		}
		for _, d := range CompareJSON(KindBody, body, values.Body) {
			field := op.Body.Properties[strings.TrimPrefix(d.Where, ".")]
			if d.Kind != KindEmptyInside && (field == nil || !jsonText(field.Value)) {
				say("the body's %s %s; it was given %s", d.Where, d.Official, d.Wrapper)
			}
		}
	}
	query, err := sent.Values()
	if err != nil {
		say("%v", err)
	}
	for name, value := range values.Query {
		if len(take(query, name)) == 0 && !empty(value) {
			say("the parameter %s was not sent", name)
		}
	}
	for name := range values.Header {
		if sent.Header.Get(name) == "" {
			say("the header %s was not sent", name)
		}
	}
	if op.Anonymous != (sent.Header.Get("x-acs-dingtalk-access-token") == "") {
		say("token sent: %v; the contract says otherwise", !op.Anonymous)
	}
}

// encode is an answer's body. A full one has a field that nobody knows.
func encode(value any, fill Fill) []byte {
	if value == nil {
		return []byte(map[bool]string{false: "{}"}[fill == Least])
	}
	text, err := json.Marshal(value)
	if object, ok := value.(map[string]any); ok && err == nil && len(object) > 0 && fill == Full && object["key one"] == nil && object["text"] == nil {
		text = append([]byte(`{"nobodyKnowsThis":{"a":[1,null]},`), text[1:]...)
	}
	return text
}

// AgreeInAll makes an operation's calls with every fill, and holds what the contract requires to a count of the marks in the
// official SDK's source.
func (p Pair) AgreeInAll(id string, marks map[string]int) (differences []Difference, found []string) {
	op := p.Contract.Operation(id)
	for _, fill := range []Fill{Full, Least, Zero, Escaping} {
		if fill == Escaping && len(op.Path) == 0 {
			continue
		}
		list, more := p.Agree(id, fill)
		for _, d := range list {
			if !byDesign(d.Kind) {
				more = append(more, d.String())
			}
		}
		for _, text := range more {
			found = append(found, fill.String()+": "+text)
		}
		differences = append(differences, list...)
	}
	name := strings.ToUpper(id[:1]) + id[1:]
	want, isText := marks[name+"ShrinkRequest"] // has no fields within those that are JSON in a string
	if !isText {
		want = marks[name+"Request"]
	}
	if op.whole() { // the body itself is no field of ours
		want -= marks[name+"Request.Body"]
	}
	if op.required() != want {
		found = append(found, fmt.Sprintf("the contract requires %d fields, the source %d", op.required(), want))
	}
	return differences, found
}
