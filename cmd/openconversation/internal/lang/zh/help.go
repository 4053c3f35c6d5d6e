package zh

// help are the long texts of the commands' help. Their English stands in the commands, so these have the commands' names.
var help = map[string]string{
	"--help": `把钉钉群的 chatId 转换成新版接口要求的 openConversationId。

没有账号也可以先试用：
  openconversation convert --emulator chatfaabe59a460527f5fb72fbbdfe3f061e`,

	"budget --help": `显示通过 Redis 共享应用限额的各个进程本月已发起多少次调用、还剩多少次。
本命令只访问 Redis，不调用钉钉接口。

计数包括 convert --redis 以及使用 dingtalkredis 包的应用发出的请求（含重试）；
组织内其他应用的调用量只能在开发者后台查看。月份按 UTC+8 计算。`,

	"call --help": `调用一个接口，并以 JSON 输出返回结果。

接口的参数就是命令行选项：openconversation call OPERATION --help 列出全部参数，
openconversation operations 列出全部接口。加上 --spec FILE 时，调用的是您自己的
OpenAPI 接口规范中的接口；该文件由 openconversation-gen 生成：
  openconversation-gen --spec robot.yaml --routes robot.json`,

	"codes --help": `显示这两个接口已知会返回的错误码及其含义。

“重试”表示同样的请求稍后是否可能成功，以及至少要等多久。“令牌”表示该错误码对
access token 的影响：继续使用、作废后重新获取、没有携带所以要获取，或与令牌无关。
“实测”表示是否见过真实返回；按其他各行构造出来的返回均为模拟数据。

CODE 可以是错误码的任意一种名称，不区分大小写：服务端返回的写法、其他写法、
Go 常量名，或者最后一个点之后的部分。钉钉的错误码有数千个，没有列出的请按
HTTP 状态码判断。`,

	"completion --help": `为指定的 shell 生成 openconversation 的自动补全脚本。
生成的脚本怎样使用，请看各子命令的帮助。
`,
	"completion bash --help": `生成 bash 的自动补全脚本。

脚本依赖 bash-completion 软件包，如未安装，请用系统的包管理器安装。

在当前会话中启用补全：

	source <(openconversation completion bash)

在以后的每个会话中启用补全，执行一次：

#### Linux：

	openconversation completion bash > /etc/bash_completion.d/openconversation

#### macOS：

	openconversation completion bash > $(brew --prefix)/etc/bash_completion.d/openconversation

需要重新打开 shell 才会生效。
`,
	"completion fish --help": `生成 fish 的自动补全脚本。

在当前会话中启用补全：

	openconversation completion fish | source

在以后的每个会话中启用补全，执行一次：

	openconversation completion fish > ~/.config/fish/completions/openconversation.fish

需要重新打开 shell 才会生效。
`,
	"completion powershell --help": `生成 powershell 的自动补全脚本。

在当前会话中启用补全：

	openconversation completion powershell | Out-String | Invoke-Expression

在以后的每个会话中启用补全，请把上面命令的输出加到 powershell 的配置文件里。
`,
	"completion zsh --help": `生成 zsh 的自动补全脚本。

如果还没有启用 shell 补全，需要先启用，执行一次：

	echo "autoload -U compinit; compinit" >> ~/.zshrc

在当前会话中启用补全：

	source <(openconversation completion zsh)

在以后的每个会话中启用补全，执行一次：

#### Linux：

	openconversation completion zsh > "${fpath[1]}/_openconversation"

#### macOS：

	openconversation completion zsh > $(brew --prefix)/share/zsh/site-functions/_openconversation

需要重新打开 shell 才会生效。
`,

	"convert --help": `查询群聊的 openConversationId。

chatId 可以直接写成参数；参数为 - 时从标准输入逐行读取，空行和以 # 开头的行不算。
只给一个 chatId 时，只输出它的 openConversationId；给多个时，按原有顺序逐行输出
chatId、制表符、openConversationId，相同的 chatId 只调用一次。转换失败的群会在标准
错误中说明，其余的继续。如果遇到后面每个群都会遇到的问题，例如应用凭证错误或调用额度
用完，则停止运行。开头 20 个不同的 chatId 全部未知时也会停止：这些值很可能不是 chatId。

加上 --input 时转换整个文件：纯文本行、带表头的 CSV 或 TSV、JSON Lines、JSON 数组或
xlsx 工作簿；格式、编码和分隔符自动识别。每一行按原样、原顺序写出，并在末尾追加
open_conversation_id、error_code 和 error（JSON 中为 openConversationId、errorCode 和
error）；纯文本行会变成 CSV。追加的单元格如果会被表格软件当作公式，会加上单引号；
输入中的单元格保持不变。不可能是 chatId 的值不消耗调用额度。运行中断后（即使是崩溃），
用 --resume 接着运行：在全部完成之前，输出文件旁的 FILE.state 记录它属于哪次运行，
已经转换的群不会再次调用。

加上 --check 时，会附加每个群的名称、群主和状态：chat_name、chat_owner 和 chat_status
（normal 或 disbanded），在 JSON 中为 chatName、chatOwner 和 chatStatus。每个转换成功的群
要为此再调用一次；转换本身不受影响。服务端能转换却查询不到的群，状态中会写明原因。

加上 --redis 时，同一应用的各进程共享每秒调用次数、当月预算和
同一个 access token，并在一天之内共享各自的转换结果。Redis 连不上时各自继续运行；但如果
给了 --monthly-budget，没有计数的调用就不会发出，除非 --budget-mode 另有指定。Redis
配置有误时，运行一开始就会结束。

应用必须是企业内部应用，并具有 qyapi_chat_read 权限。每次调用都计入组织当月的调用额度。`,

	"doctor --help": `依次检查转换所需的各项条件，并说明第一个问题该如何处理。检查会用掉组织当月的
一次调用额度，并会事先说明。

  应用凭证    已设置应用的 AppKey 和 AppSecret
  域名        服务地址的域名可以解析
  连接        服务地址可以通过 TLS 访问
  令牌        服务端用该应用凭证签发了 access token
  权限        应用可以调用该接口
  来源地址    本机的 IP 地址可以调用该接口
  转换        调用得到了应答，没有被限流或限额拒绝

最后三项由一次调用（转换一个群）得出。服务端的检查顺序没有文档说明：其中一项被拒绝时，
另外两项无从得知；如果群未知（默认的群对大多数应用都是未知的），只能说明权限和来源地址
没有被拒绝，并不能证明没有问题。要得到确证，请用 --chat 指定应用所属组织的一个群。
因网络失败的调用会重试，与 convert 相同。

同时给出 --chat 和 --robot 时，还会检查机器人向该群发消息所需的条件。这两项检查各多用
一次调用。

  群          群在正常使用，并显示群名称
  机器人      机器人在群里；应用需要 qyapi_chat_manage 权限`,

	"emulator --help": `为接口规范中的钉钉接口提供模拟服务，供任何语言的客户端测试使用。

启动后输出一行，内容是监听地址和它接受的虚构应用凭证，然后一直运行到收到 SIGINT 或
SIGTERM 为止。这是正常的结束方式，所以退出码为 0。

它认识钉钉文档中的群 chatfaabe59a460527f5fb72fbbdfe3f061e；其他群一律未知，除非给出
--chat 或 --any-chat。

故障的写法是 FAULT[:TIMES]，表示对多少个请求（默认 1 个，always 表示一直）如何处理，
之后恢复正常应答。可以给多个，按顺序生效。FAULT 可以是错误码或其名称（见
openconversation codes），按服务端的方式返回：InvalidAuthentication 这类错误码会使该
token 失效，下次获取到的是新 token。也可以是 400 到 599 的 HTTP 状态码，返回一个 HTML
页面，与接入层相同；或者：
  sticky-token        返回 InvalidAuthentication；下次获取到的仍是同一个 token，且可用
  truncated           只发出应答正文的一半，然后关闭连接
  wrong-length        发出应答正文，但 Content-Length 只有一半
  slow                逐字节发出应答正文，每 100ms 一个字节
  switching-protocols 以 101 作为最终状态应答，然后关闭连接
  reset               不作任何应答就重置连接
  hang                一直不应答，直到客户端离开
  ban                 返回 IP 被封禁时的页面
  ban-json            返回 IP 被封禁时的 JSON："punish":"deny"
  pass                正常应答

--admin 提供一个 HTTP 管理接口，可在运行中读取收到的请求、添加故障、修改任何设置；
说明见其 GET /openapi.yaml。--scenario 在启动时读取同样的设置和故障：
  anyChat: true
  qps: 20
  faults:
    - InvalidAuthentication
    - {fault: raw, status: 200, contentType: text/html, body: "<p>", times: 2}
    - {fault: hang, operation: getAccessToken}`,

	"help --help": `显示任一命令的帮助。
输入 openconversation help [命令] 查看详细说明。`,

	"operations --help": `列出本项目的接口规范或您自己的接口规范中可以用 call 调用的接口。

“重试”表示什么时候会重试调用：安全，只要重试可能有用；未处理，仅当服务端确定没有处理。`,

	"spec --help": `输出本命令所依据的接口规范：OpenAPI 3.0.3 文档，包含各接口及其错误码，格式为 YAML，
加上 --json 则为 JSON。可以由它生成其他语言的客户端。`,
}
