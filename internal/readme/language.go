package main

import "fmt"

// What an error means for a run over many chats.
const (
	goesOn  = "continues"
	ends    = "ends"
	inARow  = "ends after %d in a row"
	nothing = "–"
)

// language says the texts of the tables in the language of a page.
type language struct {
	chinese bool
	unknown *[]string
}

func (l language) text(s string) string {
	if !l.chinese || s == nothing {
		return s
	}
	if translated, ok := inChinese[s]; ok {
		return translated
	}
	*l.unknown = append(*l.unknown, s)
	return s
}

func (l language) orEnglish(s string) string {
	if translated, ok := inChinese[s]; ok && l.chinese {
		return translated
	}
	return s
}

// missing is an error if a text was asked for that nobody has translated.
func (l language) missing() error {
	if len(*l.unknown) == 0 {
		return nil
	}
	return fmt.Errorf("inChinese in internal/readme has no %q", *l.unknown)
}

// inChinese holds the texts of the tables. A changed comment of the wrapper is one that is missing here.
var inChinese = map[string]string{
	"means":                 "含义",
	"retried by the client": "客户端是否重试",
	"a run over many chats": "批量转换时",

	"the id is unknown or malformed":                                                              "chatId 不存在或格式有误",
	"the group's owner is outside the app's visible range":                                        "群主不在应用的可见范围内",
	"the credentials are wrong, or the token was rejected and a new one did not help":             "应用凭证有误，或 access_token 被拒绝且换新后仍被拒绝",
	"the app lacks a permission; Error.RequiredScopes may name it":                                "应用缺少权限；`Error.RequiredScopes` 可能给出权限名",
	"this machine's address is not in the app's allow list":                                       "本机 IP 不在应用的 IP 白名单内",
	"the app exceeded a limit per second or minute, and retries did not help":                     "应用超过每秒或每分钟的限流，重试后仍未恢复",
	"the organisation's monthly quota is exhausted":                                               "企业当月的调用量已用完",
	"this machine's address is banned for some minutes (Error.RetryAfter)":                        "本机 IP 被封禁数分钟（`Error.RetryAfter`）",
	"the service was unreachable or failed, and retries did not help":                             "服务无法访问或出错，重试后仍未恢复",
	"the answer does not match the contract, such as HTML with status 200":                        "响应不符合接口规范，例如状态码 200 的 HTML",
	"the service redirected; the client does not follow, because the access token would go along": "服务返回重定向；一律不跟随，否则 access_token 会被一并发送出去",
	"no trusted TLS connection could be made":                                                     "无法建立可信的 TLS 连接",
	"the service refused the request for a reason without a sentinel":                             "服务以其他原因拒绝了请求",
	"the run ended before this id was called":                                                     "批次在转换该 ID 之前已终止，未发起调用",
	"the caller's own code panicked in a goroutine of this package, or ended that goroutine":      "调用方自己的代码在本包的 goroutine 中 panic 或终止了该 goroutine",

	goesOn: "继续",
	ends:   "终止",
	inARow: "连续 %d 次后终止",

	"no":                                     "否",
	"no; the client sends nothing meanwhile": "否；其间不发任何请求",
	"if the body broke off":                  "仅当响应中途断开",
	"once, after a token refresh":            "换新 token 后重试一次",
	"with backoff, three attempts in all":    "退避重试，最多共请求三次",
	"after %s":                               "等待 %s 后重试",
	" or ":                                   " 或 ",

	"client":                           "客户端",
	"processor time, 1 goroutine":      "CPU 时间，1 个 goroutine",
	"processor time, 8 goroutines":     "CPU 时间，8 个 goroutine",
	"processor time, 64 goroutines":    "CPU 时间，64 个 goroutine",
	"allocations":                      "分配次数",
	"bytes":                            "字节",
	"connections opened by 64":         "64 个 goroutine 建立的连接数",
	"net/http by hand":                 "手写 net/http",
	"net/http by hand, default client": "手写 net/http，默认 Client",
	"oapi-codegen's own client":        "oapi-codegen 自带的客户端",
	"**this SDK**":                     "**本 SDK**",
	"DingTalk's official Go SDK":       "钉钉官方 Go SDK",

	"an app that imports":                   "应用引入的包",
	"version floors":                        "最低版本要求",
	"lines of `go.sum`":                     "`go.sum` 行数",
	"`wrapper` and `wrapper/dingtalkredis`": "`wrapper` 和 `wrapper/dingtalkredis`",
}
