// The program for openapi-generator's swift6: one conversion, and what came of it.
import Foundation
import DingTalkClient

struct Outcome: Encodable {
    var id: String?
    var status: Int?
    var code: String?
    var message: String?
}

func convert(_ chatId: String, _ configuration: DingTalkClientAPIConfiguration) async throws -> Outcome {
    do {
        let answer = try await ImAPI.chatIdToOpenConversationId(chatId: chatId, apiConfiguration: configuration)
        return Outcome(id: answer.openConversationId)
    } catch {
        guard case .error(let status, .some(let body), _, _) = error else { throw error }
        let answer = try? JSONDecoder().decode(ApiError.self, from: body)
        return Outcome(status: status, code: answer?.code, message: answer?.message)
    }
}

let args = CommandLine.arguments
let configuration = DingTalkClientAPIConfiguration(
    basePath: "\(args[1])://\(args[2])", customHeaders: ["x-acs-dingtalk-access-token": args[3]])
let outcome = try await convert(args[4], configuration)
print(String(decoding: try JSONEncoder().encode(outcome), as: UTF8.self))
