# Fills the directory NAME with what goes to the host, and packs it twice. Run by the target
# shared-host, which says what SOURCE, BUILD, NAME, ARCHIVE, HANDBACK, HANDBACK_CGI, STRIP and
# MANDOC are.
cmake_minimum_required(VERSION 3.25)

set(here ${CMAKE_CURRENT_LIST_DIR})
set(home ${BUILD}/apache/shared-host)
set(place ${home}/${NAME})
set(program OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(file OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
file(REMOVE_RECURSE ${place} ${BUILD}/${ARCHIVE}.tar.gz ${BUILD}/${ARCHIVE}.zip)
file(MAKE_DIRECTORY ${place})

# run(COMMAND...): fails where the command does; what it prints is in `output`.
macro(run)
    execute_process(COMMAND ${ARGV} WORKING_DIRECTORY ${home} COMMAND_ERROR_IS_FATAL ANY
        OUTPUT_VARIABLE output)
endmacro()

# ---- the programs, without what only a debugger reads ----

run(${STRIP} -o ${place}/handback ${HANDBACK})
run(${STRIP} -o ${place}/handback.cgi ${HANDBACK_CGI})

# ---- the check; the page compares the program on the host with its sum ----

file(COPY ${here}/host-check ${here}/check.html ${here}/probe DESTINATION ${place})
file(SHA256 ${place}/handback.cgi sum)
file(WRITE ${place}/probe/SHA256SUMS "${sum}  handback.cgi\n")

# ---- the levels' .htaccess, as prepare writes it for a site of one file with its copies ----

set(site ${home}/sample/static)
set(hashed style.67eaee5bf4f9.css)
foreach(level RANGE 3)
    file(REMOVE_RECURSE ${site})
    file(COPY ${here}/probe/level0/ DESTINATION ${site} PATTERN .htaccess EXCLUDE)
    file(COPY_FILE ${site}/${hashed} ${site}/style.css)
    file(WRITE ${site}/staticfiles.json
        "{\"paths\": {\"style.css\": \"${hashed}\"}, \"version\": \"1.0\"}\n")
    run(env -i STATIC_ROOT=${site} STATIC_URL=/static/
        ${place}/handback prepare --quiet --htaccess ${level})
    file(MAKE_DIRECTORY ${place}/htaccess)
    file(COPY_FILE ${site}/.htaccess ${place}/htaccess/level-${level}.txt)
endforeach()

file(COPY_FILE ${here}/cgi-bin.htaccess ${place}/htaccess/cgi-bin.txt)

# ---- what there is to read ----

file(COPY ${here}/README.md ${SOURCE}/LICENSE DESTINATION ${place})
set(licenses "Both programs hold parts of these libraries, here with the packages of Debian that they
were built from. Handback's own source, to link it anew with others, is public as well.\n")
foreach(package IN ITEMS libc6-dev musl-dev libapr1-dev libfcgi-dev libjansson-dev libbrotli-dev
        zlib1g-dev libzstd-dev uuid-dev)
    if(EXISTS /usr/share/doc/${package}/copyright)
        file(READ /usr/share/doc/${package}/copyright text)
        string(APPEND licenses "\n==== ${package} ====\n\n${text}")
    endif()
endforeach()
file(WRITE ${place}/LICENSES.txt "${licenses}")
if(MANDOC)
    run(${MANDOC} -T ascii ${SOURCE}/src/handback.1)
    string(ASCII 8 back) # bold is printed twice, with a step back between
    string(REGEX REPLACE ".${back}" "" output "${output}")
    file(WRITE ${place}/handback.txt "${output}")
endif()

# ---- modes, whatever the checkout and the umask are ----

file(GLOB_RECURSE packed LIST_DIRECTORIES true RELATIVE ${place} ${place}/*)
list(SORT packed)
file(CHMOD ${place} PERMISSIONS ${program})
foreach(name IN LISTS packed)
    if(IS_DIRECTORY ${place}/${name} OR name MATCHES "^(handback|host-check)$|\\.cgi$")
        file(CHMOD ${place}/${name} PERMISSIONS ${program})
    else()
        file(CHMOD ${place}/${name} PERMISSIONS ${file})
    endif()
endforeach()

# ---- the checksums, and both archives ----

set(sums)
foreach(name IN LISTS packed)
    if(NOT IS_DIRECTORY ${place}/${name})
        file(SHA256 ${place}/${name} sum)
        string(APPEND sums "${sum}  ${name}\n")
    endif()
endforeach()
file(WRITE ${place}/SHA256SUMS ${sums})
file(CHMOD ${place}/SHA256SUMS PERMISSIONS ${file})
run(${CMAKE_COMMAND} -E tar czf ${BUILD}/${ARCHIVE}.tar.gz ${NAME})
run(${CMAKE_COMMAND} -E tar cf ${BUILD}/${ARCHIVE}.zip --format=zip ${NAME})
message("${BUILD}/${ARCHIVE}.tar.gz\n${BUILD}/${ARCHIVE}.zip")
