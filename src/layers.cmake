# What the full program and the static CGI have in common. Both CMake projects, that of the checkout
# and that of src/static, include this file; HANDBACK_BUILD and HANDBACK_VERSION come from them.

# What every source is compiled with: the language, the warnings and the kind of build.
add_library(handback_flags INTERFACE)
target_compile_features(handback_flags INTERFACE c_std_17)
target_compile_definitions(handback_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64
    HANDBACK_VERSION="${HANDBACK_VERSION}")
target_compile_options(handback_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wundef
    -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wvla -Wswitch-enum -Wnull-dereference
    -g -fstack-protector-strong -fno-strict-overflow -ffunction-sections)
target_link_options(handback_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack,--gc-sections)

if(HANDBACK_FIXED) # at one address: only a static program that says so
    target_compile_options(handback_flags INTERFACE -fno-pie)
    target_link_options(handback_flags INTERFACE -no-pie)
else()
    target_compile_options(handback_flags INTERFACE -fPIE)
    # The compiler obeys the last of these two alone, so only one may be said.
    target_link_options(handback_flags INTERFACE $<IF:$<BOOL:${HANDBACK_STATIC}>,-static-pie,-pie>)
endif()

if(HANDBACK_BUILD STREQUAL "release")
    target_compile_options(handback_flags INTERFACE -O2 -fstack-clash-protection)
    target_compile_definitions(handback_flags INTERFACE _FORTIFY_SOURCE=2)
elseif(HANDBACK_BUILD STREQUAL "dev")
    set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_options(handback_flags INTERFACE -O1 -Werror ${sanitizers})
    target_link_options(handback_flags INTERFACE ${sanitizers})
elseif(HANDBACK_BUILD STREQUAL "tsan")
    target_compile_options(handback_flags INTERFACE -O1 -Werror -fsanitize=thread)
    target_link_options(handback_flags INTERFACE -fsanitize=thread)
elseif(HANDBACK_BUILD STREQUAL "fuzz")
    set(sanitizers -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
    target_compile_options(handback_flags INTERFACE -O1 ${sanitizers})
    target_link_options(handback_flags INTERFACE ${sanitizers})
elseif(HANDBACK_BUILD STREQUAL "coverage")
    target_compile_options(handback_flags INTERFACE -O0 --coverage)
    target_link_options(handback_flags INTERFACE --coverage)
else()
    message(FATAL_ERROR "HANDBACK_BUILD=${HANDBACK_BUILD}: release, dev, tsan, fuzz or coverage")
endif()

set(HANDBACK_SOURCES ${CMAKE_CURRENT_LIST_DIR})

# handback_layer(NAME SEES layers... USES libraries... SOURCES files...)
# A layer is a static library. Headers are included as "layer/file.h"; the include path of a layer
# holds one directory for itself and one for each layer it sees, so any other include fails.
function(handback_layer name)
    cmake_parse_arguments(PARSE_ARGV 1 layer "" "" "SEES;USES;SOURCES")
    set(view ${PROJECT_BINARY_DIR}/layers/${name})
    file(MAKE_DIRECTORY ${view})
    file(CREATE_LINK ${HANDBACK_SOURCES}/${name} ${view}/${name} SYMBOLIC)
    list(TRANSFORM layer_SOURCES PREPEND ${HANDBACK_SOURCES}/${name}/)
    add_library(${name} STATIC ${layer_SOURCES})
    target_include_directories(${name} PUBLIC ${view})
    target_link_libraries(${name} PUBLIC ${layer_SEES} PRIVATE handback_flags ${layer_USES})
endfunction()

handback_layer(base
    USES Threads::Threads
    SOURCES slice.c error.c clock.c log.c file.c walk.c beneath.c replace.c place.c md5.c)
handback_layer(http
    SEES base
    SOURCES method.c path.c date.c etag.c media.c coding.c condition.c range.c multipart.c
        disposition.c uri.c head.c field.c)
handback_layer(catalog
    SEES http base
    SOURCES catalog.c view.c verify.c trust.c hashed_name.c glob.c)
handback_layer(serve
    SEES catalog http base
    USES Threads::Threads
    SOURCES site.c finding.c request.c resource.c variant.c trace.c
        body.c fields.c hand_back.c answer.c deliver.c gateway_cgi.c)
handback_layer(cgi
    SEES serve catalog http base
    SOURCES environment.c own_catalog.c own_site.c)
